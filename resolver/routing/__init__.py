"""Decides, by an ordered list of rules, what becomes of a query: who asks what and how, and where that leads."""
