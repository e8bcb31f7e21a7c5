"""Micro-CT studies of mice with subcutaneous tumors, from the scanner to the growth curve."""
