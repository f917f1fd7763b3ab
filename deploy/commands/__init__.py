"""The stack's own commands, one module each; `deploy.cli` names them."""
