"""How the panel looks: one sheet, in napari's dark colours."""

SHEET = """
QWidget#annotate { font-size: 13px; }
QLabel#code { font-size: 26px; font-weight: 700; letter-spacing: 3px; }
QLabel#progress { color: #a9b0b8; }
QLabel#quiet { color: #a9b0b8; font-size: 12px; }
QLabel#section { color: #a9b0b8; font-size: 11px; font-weight: 600; letter-spacing: 1px; margin-top: 6px; }
QLabel#volume { font-size: 17px; font-weight: 600; }
QLabel#said, QLabel#refusal, QLabel#trouble { padding: 7px 9px; border-radius: 5px; }
QLabel#said { background: #30353c; color: #e4e8ec; }
QLabel#refusal { background: #4a3b14; color: #ffe3a1; }
QLabel#trouble { background: #6b1f1f; color: #ffffff; font-weight: 600; }
QPushButton#action { background: #414851; border: 1px solid #414851; border-radius: 5px; min-height: 27px; }
QPushButton#action:hover { background: #4d5661; }
QPushButton#action:checked { border: 1px solid #8fc7ff; background: #35536e; }
QPushButton#submit { background: #2e7d4f; border: none; border-radius: 5px; min-height: 31px; }
QPushButton#submit:hover { background: #379560; }
QLabel#key { color: #a9b0b8; font-size: 11px; background: transparent; }
QLabel#name { background: transparent; }
QFrame#tumor { border: 1px solid transparent; border-radius: 6px; background: #30353c; }
QFrame#tumor[chosen="true"] { border: 1px solid #8fc7ff; background: #35424f; }
QProgressBar { max-height: 4px; border: none; background: #414851; }
QProgressBar::chunk { background: #2e7d4f; }
"""
