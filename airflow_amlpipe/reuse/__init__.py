"""May an earlier result stand in, and if not, why?"""
