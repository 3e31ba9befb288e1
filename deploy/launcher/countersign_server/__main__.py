from countersign_server import main

main()
