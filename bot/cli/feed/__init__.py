"""`countersign feed …`: what the operators' feed has sent, and sending it again."""
