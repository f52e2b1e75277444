"""The form in which a person agrees to be captured."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import date, timedelta

import ipywidgets

from siamlab.errors import SiamlabError
from siamlab.gallery.consent import STANDARD_TEXT, Consent, give_consent


class ConsentForm:
    """Shows the text, and takes a name, a last day and the click on *I agree*.

    Args:
        person: whose face it is; the name can be changed, for who may decide for them.
        agreed: called with the consent.
    """

    def __init__(self, person: str, agreed: Callable[[Consent], None]) -> None:
        self._agreed = agreed
        self.by = ipywidgets.Text(value=person, description="Name")
        self.until = ipywidgets.DatePicker(
            value=date.today() + timedelta(days=365), description="Until"
        )
        self.button = ipywidgets.Button(description="I agree", button_style="primary")
        self.button.on_click(lambda _: self.agree())
        self.problem = ipywidgets.HTML("")
        text = ipywidgets.HTML(f"<div style='max-width:640px'>{html.escape(STANDARD_TEXT)}</div>")
        row = ipywidgets.HBox([self.by, self.until, self.button])
        self.box = ipywidgets.VBox([text, row, self.problem])

    def agree(self) -> None:
        """What the button does."""
        try:
            self._agreed(give_consent(self.until.value or "", by=self.by.value))
        except SiamlabError as error:
            self.problem.value = html.escape(str(error))
