"""What was spoken of in an attempt: the interview, its techniques, answers, materials, and notes that stay here."""
