"""Cases of real sizes: the comparison of their outputs, and the smallest size at which a failure still shows."""
