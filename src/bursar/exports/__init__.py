"""What finance takes over into its own systems: journals, usage as FOCUS and Parquet, cost centres, imputed income.

All of it is read from the books and changes nothing there. The same books give the same files, to the byte.
"""
