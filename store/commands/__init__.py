"""The one way on which packages change: what a command needs is loaded, decided and written."""
