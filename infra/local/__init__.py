"""The local default: everything the application meets on AWS, on one machine."""
