"""The command line: a client of the API, over the network when a server runs on the data folder, else in-process."""
