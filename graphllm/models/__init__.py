"""What is trained as a whole, one file per published system, with its files on disk.

Nothing is imported here: all of it needs torch, which takes seconds to import.
"""
