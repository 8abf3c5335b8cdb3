"""Incident and playbook to plan to mutations."""
