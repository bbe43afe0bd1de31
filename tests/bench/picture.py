"""stub"""
def picture(data): return ""
