"""What a replay of history found, held against what is known to have happened."""
