"""The forms: one modal for each verb that needs input."""
