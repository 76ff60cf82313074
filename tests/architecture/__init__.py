"""What is true of the code as text: who may make a receipt, how large a piece is, what the pages say."""
