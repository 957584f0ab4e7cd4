"""What makes two steps the same?"""
