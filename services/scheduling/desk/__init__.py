"""The desk of a site: whom it expects on a day, and how somebody who stands there is found."""
