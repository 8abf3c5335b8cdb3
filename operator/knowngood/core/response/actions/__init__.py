"""Actions: each decides from facts alone what is to be written; one file an action, all of them in one tuple."""
