"""Values in, HTML out: figures and pages."""
