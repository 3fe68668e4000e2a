"""A catalogue model that is loaded when it is first needed, and checked against the weights of stored vectors."""

from retriever.encoders.base import Encoder
from retriever.encoders.catalogue import model_card
from retriever.encoders.device import resolve_device
from retriever.encoders.loading import load_encoder, packaged_fingerprint
from retriever.retrievers.base import check_same_weights


class LazyModel:
    """A model by its name in the catalogue, or an encoder of somebody's own under a name.

    stored_fingerprint: of the encoder that made stored vectors; "" where there are none.
    """

    def __init__(self, name: str, encoder: Encoder | None, device: str | None) -> None:
        """Look the model up. Raises ModelError for an unknown one, ParameterError for a device that is not there."""
        self.name, self.stored_fingerprint = name, ""
        self._encoder = encoder
        self._device = None if device is None else resolve_device(device)
        known = encoder.dimension if encoder else model_card(name).dimension
        self.dimension = known or self.encoder.dimension  # 0 outside the catalogue: the model must be loaded

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded on first use. Raises ModelError if that fails or stored vectors have other weights."""
        if self._encoder is None:
            encoder = load_encoder(self.name, self._device)
            check_same_weights(self.name, self.stored_fingerprint, encoder.fingerprint)
            self._encoder = encoder
        return self._encoder

    @property
    def fingerprint(self) -> str:
        """The identifier of the weights and their precision; the model is loaded for it unless it is packaged."""
        if self._encoder is None and model_card(self.name).packaged:
            return packaged_fingerprint(model_card(self.name), device=self._device)
        return self.encoder.fingerprint

    def check_stored(self, fingerprint: str) -> None:
        """Raise ModelError if stored vectors are of other weights; a model that is not loaded yet is checked then."""
        self.stored_fingerprint = fingerprint
        if self._encoder is not None or model_card(self.name).packaged:
            check_same_weights(self.name, fingerprint, self.fingerprint)
