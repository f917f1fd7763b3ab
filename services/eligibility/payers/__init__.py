"""Which tenant a payer's identifier stands for, and for whose members a sender may speak."""
