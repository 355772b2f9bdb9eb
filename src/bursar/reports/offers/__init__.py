"""What an offer is worth, as people read it: charts, text for a terminal, a page of HTML, a letter as PDF."""
