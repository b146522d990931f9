"""What registries, archives, rankings and threat lists say of an applicant's sites; config.yaml says which to ask."""
