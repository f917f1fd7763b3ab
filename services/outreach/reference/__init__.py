"""What holds for everybody: programmes, the business day, target ZIPs."""
