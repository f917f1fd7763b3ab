"""An invented population with real addresses' geography, and the feeds that plans and a registry send about it."""

from deploy.demo.population.generate import FIRST_DAY, generate
from deploy.demo.population.ledger import FileTruth, Ledger, Rejected
from deploy.demo.population.rates import stated

__all__ = ["FIRST_DAY", "FileTruth", "Ledger", "Rejected", "generate", "stated"]
