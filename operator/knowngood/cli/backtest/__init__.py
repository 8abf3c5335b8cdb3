"""`knowngood backtest`: what a policy would have opened."""
