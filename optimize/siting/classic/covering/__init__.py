"""What the covering engines share: merging of clients, reductions, plans and bounds."""
