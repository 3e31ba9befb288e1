"""Slack's limits. Other modules import them and never repeat a number.

They count characters, as Python's `len` does; the name of a limit in bytes says so. If Slack publishes no number, the
comment says where the number comes from.
"""

from __future__ import annotations

from typing import Final

# A message.
MESSAGE_BLOCKS: Final = 50
UPDATE_TEXT: Final = 4_000  # an update is refused past it
# Unpublished: refusals were seen from 11,341 to 13,297, and Slack's staff speak of 12,000.
MESSAGE_BLOCKS_TEXT: Final = 12_000
CARD_TEXT: Final = 8_500  # ours: what a card may hold, so that the unpublished limit is never met
MESSAGE_TABLES: Final = 1
MESSAGE_CHARTS: Final = 2
MESSAGE_ATTACHMENTS: Final = 100
METADATA_JSON: Final = 1_000  # ours: Slack refuses large metadata, but does not say from where on

# A view.
VIEW_BLOCKS: Final = 100
VIEW_JSON_BYTES: Final = 250_000  # "250 KB": the smaller reading of it
VIEW_LABEL: Final = 24  # title, submit and close
PRIVATE_METADATA: Final = 3_000
CALLBACK_ID: Final = 255
EXTERNAL_ID: Final = 255

# Every block and element.
BLOCK_ID: Final = 255
ACTION_ID: Final = 255
TEXT: Final = 3_000  # a text object where nothing narrower is said
URL: Final = 3_000
ALT_TEXT: Final = 2_000

# Blocks.
HEADER: Final = 150
SECTION_TEXT: Final = 3_000
SECTION_FIELDS: Final = 10
SECTION_FIELD: Final = 2_000
CONTEXT_ELEMENTS: Final = 10
ACTIONS_ELEMENTS: Final = 25
CONTEXT_ACTIONS_ELEMENTS: Final = 5
INPUT_LABEL: Final = 2_000
INPUT_HINT: Final = 2_000
IMAGE_TITLE: Final = 2_000
MARKDOWN: Final = 12_000  # in all markdown blocks of a message together
CONTAINER_BLOCKS: Final = 10
CONTAINER_TITLE: Final = 150
CONTAINER_SUBTITLE: Final = 150
CARD_TITLE: Final = 150
CARD_SUBTITLE: Final = 150
CARD_BODY: Final = 200
CARD_ACTIONS: Final = 25  # unpublished: as many as the actions block takes
ALERT: Final = 200
VIDEO_TITLE: Final = 199  # "less than 200"
VIDEO_AUTHOR: Final = 49  # "less than 50"
VIDEO_DESCRIPTION: Final = 200

# Tables and charts. The characters of all tables of a message count together.
TABLE_ROWS: Final = 100
TABLE_COLUMNS: Final = 20
TABLE_TEXT: Final = 10_000
DATA_TABLE_ROWS: Final = 201  # with the header
DATA_TABLE_COLUMNS: Final = 20
DATA_TABLE_TEXT: Final = 20_000
DATA_TABLE_PAGE: Final = 100
CHART_TITLE: Final = 50
CHART_SEGMENTS: Final = 12
CHART_SERIES: Final = 12
CHART_POINTS: Final = 20
CHART_LABEL: Final = 20  # of a segment, a series, a point, a category
CHART_AXIS: Final = 50

# Elements and the objects in them.
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2_000
BUTTON_PROMPT: Final = 4_000
ACCESSIBILITY_LABEL: Final = 75
ICON_BUTTON_USERS: Final = 10
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
CONFIRM_LABEL: Final = 30
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OPTION_DESCRIPTION: Final = 75
OPTION_GROUP_LABEL: Final = 75
SELECT_OPTIONS: Final = 100
SELECT_GROUPS: Final = 100
OVERFLOW_OPTIONS: Final = 5
CHECK_OPTIONS: Final = 10  # checkboxes and radio buttons
PLACEHOLDER: Final = 150
INPUT_TEXT: Final = 3_000
INPUT_FILES: Final = 10
LIST_INDENT: Final = 8
