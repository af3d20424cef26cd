"""What an account used: counted when it happens, so that reading never grows with what is stored."""
