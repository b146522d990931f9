"""What registries, archives, rankings and threat lists say of an applicant's sites. Each is off or on in config.yaml."""
