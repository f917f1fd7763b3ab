"""Versioned event contracts: what every service may say and hear. Imports nothing but pydantic."""
