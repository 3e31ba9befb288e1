"""Five lines that ask first."""

from countersign import gate


@gate("send_receipt", risk_level="medium", confidence=0.9, rationale="The order was paid this morning.")
def send_receipt(order: int, to: str) -> str:
    """Send a receipt to a customer."""
    return f"receipt of order {order} sent to {to}"


if __name__ == "__main__":
    print(send_receipt(456, "ada@example.com"))
