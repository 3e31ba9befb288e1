"""Who may decide, who counts towards a quorum, and who could have objected to a silence."""
