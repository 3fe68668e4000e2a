"""The Learn tab: lessons of claims, predictions and live measurements."""
