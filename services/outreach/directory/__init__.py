"""What there is to help members with: services by need and area from HSDS directories, and Community Supports."""
