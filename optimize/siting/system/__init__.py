"""Service systems: several services that share sites, solved with bounds."""
