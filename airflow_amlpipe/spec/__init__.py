"""What is a pipeline, written down?"""
