"""Who works on which case: claiming the next ones, giving one back."""
