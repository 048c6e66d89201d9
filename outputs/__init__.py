"""WHERE results go: GIS files, tables, report, pictures, verification."""
