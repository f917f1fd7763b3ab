"""The weekly target ZIPs: ranked and announced."""
