"""spandrel's networks whose output has the size of the source: they denoise, deblur, dehaze, brighten and fill in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from itrans_spandrel.generators import SpandrelGenerator


class NAFNet(SpandrelGenerator):
    """NAFNet: a U-Net of convolutions and gates, without activations (Chen et al., arXiv 2204.04676)."""


class SCUNet(SpandrelGenerator):
    """SCUNet: a U-Net of Swin transformer and residual blocks, for blind denoising (Zhang et al., arXiv 2203.13278)."""


class Uformer(SpandrelGenerator):
    """Uformer: a U-Net of transformer blocks with local windows (Wang et al., arXiv 2106.03106).

    Pictures are padded to squares.
    """


class KBNetS(SpandrelGenerator, architecture_name="KBNet", network="KBNet_s"):
    """KBNet_s: a U-Net with learned bases of convolution kernels, small (Zhang et al., arXiv 2303.02881)."""


class KBNetL(SpandrelGenerator, architecture_name="KBNet", network="KBNet_l"):
    """KBNet_l: the same with attention over channels, large (Zhang et al., arXiv 2303.02881)."""


class FFTformer(SpandrelGenerator):
    """FFTformer: attention in the frequency domain, for deblurring (Kong et al., arXiv 2211.12250)."""


class FBCNN(SpandrelGenerator):
    """FBCNN: removes JPEG artefacts of a strength that it estimates itself (Jiang et al., arXiv 2109.14573)."""


class SAFMNBCIE(SpandrelGenerator):
    """SAFMN-BCIE: SAFMN for pictures that were compressed (github.com/sunny2109/SAFMN)."""


class DRUNet(SpandrelGenerator):
    """DRUNet: a U-Net of residual blocks that is told the noise level (Zhang et al., arXiv 2008.13751, section 3).

    spandrel tells it 15/255, whatever the picture.
    """

    @classmethod
    def channels(cls, in_channels: int, out_channels: int, given: Mapping[str, Any]) -> dict[str, int]:
        """Return the numbers of channels; the noise level is one more that goes in."""
        return {"in_nc": in_channels + 1, "out_nc": out_channels}

    def takes_batches(self) -> bool:
        """Whether the network takes several pictures at once: the noise level is that of one."""
        return False


class DnCNN(SpandrelGenerator):
    """DnCNN: convolutions that make the noise, which is subtracted (Zhang et al., arXiv 1608.03981)."""

    @classmethod
    def channels(cls, in_channels: int, out_channels: int, given: Mapping[str, Any]) -> dict[str, int]:
        """Return the numbers of channels; in the mode `FDnCNN` the noise level is one more that goes in."""
        return {"in_nc": in_channels + (given.get("mode") == "FDnCNN"), "out_nc": out_channels}

    def takes_batches(self) -> bool:
        """Whether the network takes several pictures at once: the noise level is that of one."""
        return bool(self.network.mode == "DnCNN")


class MixDehazeNet(SpandrelGenerator):
    """MixDehazeNet: a U-Net of large parallel kernels and attention, for haze (Lu et al., arXiv 2305.17654)."""


class RetinexFormer(SpandrelGenerator):
    """Retinexformer: estimates the light and brightens by it, for dark pictures (Cai et al., arXiv 2303.06705)."""


class HVICIDNet(SpandrelGenerator):
    """HVI-CIDNet: brightens dark pictures in a colour space of its own (Yan et al., arXiv 2402.05809)."""


class LaMa(SpandrelGenerator):
    """LaMa: fills holes in by convolutions in the frequency domain (Suvorov et al., arXiv 2109.07161).

    The source's last channel is the mask: white in the hole, black elsewhere. What is outside the hole stays.
    """

    more_channels = 1

    def call(self, picture: Tensor) -> Tensor:
        """Return what the network makes of pictures, `(N, C + 1, H, W)` in [0, 1], the last plane their masks."""
        made: Tensor = self._call(self.network, picture[:, :-1], picture[:, -1:])
        return made


class RestoreFormer(SpandrelGenerator):
    """RestoreFormer: restores faces by a codebook of parts of faces (Wang et al., arXiv 2201.06374).

    The codebook is trained by a loss of its own, which no loss here gives: train from published weights.
    """
