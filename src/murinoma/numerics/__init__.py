"""Arrays in, numbers out: the definitions of murinoma; no path, log, print or clock in here."""
