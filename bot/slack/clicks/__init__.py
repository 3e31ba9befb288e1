"""Buttons, forms and Details."""
