"""WHERE data comes from: city input, policy, walking times, generators."""
