"""The API's description: its routes, the shapes of its answers, `/openapi.json` and `/docs`."""
