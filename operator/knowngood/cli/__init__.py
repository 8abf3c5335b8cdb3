"""What people run: `knowngood`, a module a command."""
