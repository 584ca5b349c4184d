"""What happens in each scenario, by theme. How each must end, the catalogue says."""
