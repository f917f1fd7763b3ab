"""Text messages and e-mails to members: queued, sent once the gate permits them, and what comes back."""
