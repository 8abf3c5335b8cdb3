"""The programs of the lab: which, from where, and how they are found or built."""
