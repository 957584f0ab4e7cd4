"""What do scripts take from msrest, which SDK v1 brought along? Its exceptions."""
